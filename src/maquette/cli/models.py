"""``maquette models``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Models:
    """List the lifters in the package, the weights of self-supervised refinement and those that tell left from right:
    size, joints, licence, training data, accuracy, sha256."""

    json: bool = False
    """Print JSON."""
    cards: bool = False
    """Print the whole card of each model."""

    def run(self) -> None:
        """Print them."""
        from maquette.refine.correction_weights import load_correction
        from maquette.runtime.onnx_model import OnnxModel
        from maquette.runtime.shipped import CORRECTIONS, DEFAULT_MODEL, SHIPPED, SIDES, card_of, find_model

        if self.cards:
            for name in (*SHIPPED, *CORRECTIONS, *SIDES):
                print(card_of(name).read_text(encoding="utf-8"))
            return
        models = [OnnxModel(find_model(name)) for name in SHIPPED]
        corrections = {file: load_correction(name) for name, file in CORRECTIONS.items()}
        if self.json:
            import msgspec

            rows = [{**msgspec.to_builtins(m.spec), "sha256": m.sha256, "file": m.path.name} for m in models]
            rows += [
                {**msgspec.to_builtins(w.spec), "kind": "correction", "sha256": w.sha256, "file": file}
                for file, w in corrections.items()
            ]
            rows += [{"name": n, "kind": "sides", "sha256": _sha256(file), "file": file} for n, file in SIDES.items()]
            print(msgspec.json.format(msgspec.json.encode(rows)).decode())
            return
        blocks = [self._lines(model, DEFAULT_MODEL) for model in models]
        blocks += [self._lines_of_correction(weights, file) for file, weights in corrections.items()]
        blocks += [self._lines_of_sides(name, file) for name, file in SIDES.items()]
        for block in blocks:
            for name, text in block:
                print(f"{name:<20}{text}")
            print()

    def _lines(self, model, default: str) -> list[tuple[str, str]]:
        """What a user asks about one model, a line each."""
        spec = model.spec
        window = f"{spec.window_frames} frames, ±{spec.look_ahead_s:.2f} s" if spec.window_frames > 1 else "1 frame"
        size = (
            f"{model.path.stat().st_size / 1e6:.1f} MB, {spec.parameters / 1e6:.2f} M parameters, "
            f"{spec.macs_per_frame / 1e6:.1f} million multiply-adds a frame"
        )
        numbers = [(name, value) for name, value in spec.accuracy.items() if not isinstance(value, str)]
        wanted = [(name, value) for name, value in numbers if "mean" in name or "HDM05" in name] or numbers
        return [
            (spec.name, "the default" if spec.name == default else ""),
            ("  size", size),
            ("  sees", window),
            ("  joints", f"{spec.input_skeleton} → {spec.output_skeleton}"),
            *[("  error, mm", f"{name}: {' / '.join(map(str, value))}") for name, value in wanted],
            ("  measured as", str(spec.accuracy.get("protocol", "not stated"))),
            ("  trained on", spec.training_data),
            ("  licence", spec.licence),
            ("  sha256", model.sha256),
        ]

    def _lines_of_correction(self, weights, file: str) -> list[tuple[str, str]]:
        """The same about the weights of a refinement."""
        from maquette.runtime.shipped import WEIGHTS

        spec = weights.spec
        size = f"{(WEIGHTS / file).stat().st_size / 1e6:.1f} MB, {weights.parameters / 1e6:.2f} M parameters"
        shown = [
            (k, v) for k, v in spec.accuracy.items() if not isinstance(v, str) and ("tcn27, e" in k or "nearest" in k)
        ]
        return [
            (spec.name, "of `maquette lift --refine self-supervised`"),
            ("  size", size),
            ("  joints", "h36m-16, of any lifter"),
            *[("  error, mm", f"{name}: {' / '.join(map(str, value))}") for name, value in shown],
            ("  measured as", str(spec.accuracy.get("protocol", "not stated"))),
            ("  trained on", spec.training_data),
            ("  licence", spec.licence),
            ("  sha256", str(weights.sha256)),
        ]

    def _lines_of_sides(self, name: str, file: str) -> list[tuple[str, str]]:
        """The same, as far as the file is concerned; its card has the rest."""
        from maquette.runtime.shipped import WEIGHTS

        return [
            (name, "of the repair of 2D: which labelling of left and right looks like a person"),
            ("  size", f"{(WEIGHTS / file).stat().st_size / 1e6:.2f} MB"),
            ("  accuracy, data", "see its card (maquette models --cards)"),
            ("  sha256", _sha256(file)),
        ]


def _sha256(file: str) -> str:
    import hashlib

    from maquette.runtime.shipped import WEIGHTS

    return hashlib.sha256((WEIGHTS / file).read_bytes()).hexdigest()
