"""MBG/NBD: a first-time buyer may be gone at once, by maximum likelihood with analytic gradients.

L = B(a, b+x+1)/B(a, b) · G/(α+T)^(r+x) + B(a+1, b+x)/B(a, b) · G/(α+t_x)^(r+x), G = Γ(r+x) α^r / Γ(r).
Batislam, Denizel & Filiztekin, "Empirical validation and comparison of models for customer base analysis",
International Journal of Research in Marketing 24 (2007). In logs it is the BG/NBD likelihood of models/bgnbd.py with
one more chance to leave.
"""

from __future__ import annotations

from typing import ClassVar

from models.bgnbd import BgNbdChurn, fitted_btyd
from models.btyd import BgNbd, Floats, MbgNbd


class MbgNbdChurn(BgNbdChurn):
    """As BgNbdChurn, for shops where many never come back after the first order."""

    kind: ClassVar[str] = "mbgnbd"
    model: ClassVar[type[BgNbd]] = MbgNbd


def fitted_mbgnbd(x: Floats, t_x: Floats, T: Floats) -> MbgNbd:
    """Parameters of maximum likelihood, from counts and days."""
    return fitted_btyd(MbgNbd, x, t_x, T)
