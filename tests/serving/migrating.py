"""Goes back to an older revision of the database, as only a test does."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine

from serving.inbox.database import _MIGRATIONS, writing


def migrate_down(engine: Engine, revision: str) -> None:
    """Undo the migrations after the revision."""
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS))
    with writing(engine) as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, revision)
