"""``maquette models``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Models:
    """List the lifters in the package: size, joints, licence, training data, accuracy, sha256."""

    json: bool = False
    """Print JSON instead of a table."""
    cards: bool = False
    """Print the whole card of each model."""

    def run(self) -> None:
        """Print them."""
        from maquette.runtime.onnx_model import OnnxModel
        from maquette.runtime.shipped import DEFAULT_MODEL, SHIPPED, card_of, find_model

        if self.cards:
            for name in SHIPPED:
                print(card_of(name).read_text(encoding="utf-8"))
            return
        models = [OnnxModel(find_model(name)) for name in SHIPPED]
        if self.json:
            import msgspec

            rows = [{**msgspec.to_builtins(m.spec), "sha256": m.sha256, "file": m.path.name} for m in models]
            print(msgspec.json.format(msgspec.json.encode(rows)).decode())
            return
        self._table(models, DEFAULT_MODEL)

    def _table(self, models: list, default: str) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table(title="Lifters in the package", show_lines=True)
        for column in (
            "name",
            "size",
            "window",
            "joints",
            "accuracy (MPJPE / PA-MPJPE, mm)",
            "training data, licence",
            "sha256",
        ):
            table.add_column(column, overflow="fold")
        for model in models:
            spec = model.spec
            window = f"{spec.window_frames} frames, ±{spec.look_ahead_s:.2f} s" if spec.window_frames > 1 else "1 frame"
            accuracy = "\n".join(f"{name}: {value}" for name, value in spec.accuracy.items()) or "not stated"
            table.add_row(
                spec.name + ("\n(default)" if spec.name == default else ""),
                f"{model.path.stat().st_size / 1e6:.1f} MB\n{spec.parameters / 1e6:.2f} M parameters\n"
                f"{spec.macs_per_frame / 1e6:.1f} MMAC a frame",
                window,
                f"{spec.input_skeleton} →\n{spec.output_skeleton}",
                accuracy,
                f"{spec.training_data}\n{spec.licence}",
                model.sha256,
            )
        Console().print(table)
