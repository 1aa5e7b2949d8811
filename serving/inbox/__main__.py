"""`python -m serving.inbox`: bring the database of received events to the revision this code needs."""

from __future__ import annotations

import sys

from features.errors import RekindleError
from serving.inbox.database import HEAD, connect, inbox_url, upgrade
from serving.settings import places


def main() -> None:
    """Upgrade it; exits 1 on an error the user can solve."""
    try:
        upgrade(connect(inbox_url(places().home)))
    except RekindleError as error:
        sys.exit(f"inbox: {error}")
    print(f"inbox: at revision {HEAD}")


if __name__ == "__main__":
    main()
