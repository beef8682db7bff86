"""Normal equations of a chain of frames with a few unknowns that all frames share, and their solution.

Unknowns of frame ``t``: the root's place (3), then two for each bone. Frames are coupled with the next two, so that the
matrix is banded; the shared unknowns are its border, removed by the Schur complement. One factorisation by LAPACK's
banded Cholesky (through scipy) a step: to the same cost, ``scipy.optimize.least_squares`` with a sparse Jacobian needs
4.5 times longer, and the same steps by ``scipy.sparse.linalg.spsolve`` 40 times and more
(``benchmarks/reprojection_speed.py``).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(eq=False)
class Normal:
    """Half the second derivative of the cost, and half its gradient."""

    own: Float[np.ndarray, "frames unknowns unknowns"]
    """Of a frame with itself."""
    next: Float[np.ndarray, "frames unknowns unknowns"]
    """Rows of frame t + 1, columns of frame t; the last is not used."""
    after: Float[np.ndarray, "frames bones 2 2"]
    """Rows of frame t + 2, columns of frame t, of a bone with itself; the last two are not used."""
    after_root: Float[np.ndarray, " frames"]
    """The same of the root: that number times the identity."""
    border: Float[np.ndarray, "frames unknowns shared"]
    shared: Float[np.ndarray, "shared shared"]
    gradient: Float[np.ndarray, "frames unknowns"]
    shared_gradient: Float[np.ndarray, " shared"]

    @classmethod
    def zeros(cls, frames: int, bones: int, shared: int) -> "Normal":
        n = 3 + 2 * bones
        return cls(
            np.zeros((frames, n, n)),
            np.zeros((frames, n, n)),
            np.zeros((frames, bones, 2, 2)),
            np.zeros(frames),
            np.zeros((frames, n, shared)),
            np.zeros((shared, shared)),
            np.zeros((frames, n)),
            np.zeros(shared),
        )

    def add_rows(
        self,
        jacobian: Float[np.ndarray, "frames rows unknowns"],
        shared_jacobian: Float[np.ndarray, "frames rows shared"],
        residual: Float[np.ndarray, "frames rows"],
    ) -> None:
        """Residuals of single frames, already divided by their standard deviations."""
        turned = jacobian.transpose(0, 2, 1)
        self.own += np.matmul(turned, jacobian)
        self.gradient += np.matmul(turned, residual[..., None])[..., 0]
        self.border += np.matmul(turned, shared_jacobian)
        flat = shared_jacobian.reshape(-1, shared_jacobian.shape[-1])
        self.shared += flat.T @ flat
        self.shared_gradient += flat.T @ residual.ravel()

    def step(
        self, damping: float, *, fixed_shared: bool = False
    ) -> tuple[Float[np.ndarray, "frames unknowns"], Float[np.ndarray, " shared"]]:
        """The Levenberg-Marquardt step: what to add to the unknowns; nothing to the shared ones if they are fixed.

        Raises:
            numpy.linalg.LinAlgError: the damped matrix is not positive definite in floating point.
        """
        from scipy.linalg import cholesky_banded, get_lapack_funcs

        frames, n = self.gradient.shape
        factor = cholesky_banded(self._bands(damping), lower=True, overwrite_ab=True, check_finite=False)
        (solve_triangular,) = get_lapack_funcs(("tbtrs",), (factor,))
        # Half a solution is all that the Schur complement needs of the border: (L^-1 B)' (L^-1 B) = B' A^-1 B.
        half, _ = solve_triangular(factor, self.gradient.reshape(-1, 1), uplo="L", trans="N")
        shared = np.zeros(len(self.shared))
        if not fixed_shared:
            border, _ = solve_triangular(factor, self.border.reshape(frames * n, -1), uplo="L", trans="N")
            damped = self.shared + np.diag(damping * np.diag(self.shared))
            shared = -np.linalg.solve(damped - border.T @ border, self.shared_gradient - border.T @ half[:, 0])
            half[:, 0] += border @ shared
        own, _ = solve_triangular(factor, half, uplo="L", trans="T")
        return -own.reshape(frames, n), shared

    def _bands(self, damping: float) -> Float[np.ndarray, "bands values"]:
        """The lower bands as LAPACK wants them: ``bands[i - j, j]`` is row i, column j."""
        frames, n = self.gradient.shape
        reach = 2 * n + 2
        bands = np.zeros((reach, frames, n))
        column = np.arange(n)
        for down in range(n):
            bands[down, :, : n - down] = self.own[:, column[down:], column[: n - down]]
        bands[0] *= 1 + damping
        bands[0] += 1e-9
        for down in range(1 - n, n):
            rows = column[max(down, 0) : n + min(down, 0)]
            bands[n + down, :-1, rows - down] = self.next[:-1, rows, rows - down].T
        bones = self.after.shape[1]
        at = 3 + 2 * np.arange(bones)
        bands[2 * n, :-2, :3] = self.after_root[:-2, None]
        for row in range(2):
            for col in range(2):
                bands[2 * n + row - col, :-2, at + col] = self.after[:-2, :, row, col].T
        width = min(reach, frames * n)
        return bands.reshape(reach, frames * n)[:width]
