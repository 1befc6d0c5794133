"""A file that holds how far a backfill came, so that the next run need not list everything again."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from airlock.errors import AirlockError


class NotACheckpoint(AirlockError):
    """The file is not a checkpoint, or is the checkpoint of another backfill."""


class CheckpointScope(BaseModel):
    """Which objects, for which owner and under which profile: only a run with the same scope may use a checkpoint."""

    bucket: str
    prefix: str
    owner: str
    profile: str


class _StoredCheckpoint(CheckpointScope):
    last: str


@dataclass(frozen=True)
class Checkpoint:
    """All methods raise OSError."""

    path: Path
    scope: CheckpointScope

    def read(self) -> str:
        """The last key that is settled; empty where there is no file. Raises NotACheckpoint."""
        try:
            stored = _StoredCheckpoint.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return ""
        except ValidationError as error:
            raise NotACheckpoint(f"{self.path} is not a checkpoint of airlock backfill: name another file") from error
        if CheckpointScope(**stored.model_dump(exclude={"last"})) != self.scope:
            raise NotACheckpoint(
                f"{self.path} is the checkpoint of s3://{stored.bucket}/{stored.prefix} for {stored.owner} under "
                f"{stored.profile}: name another file"
            )
        return stored.last

    def write(self, last: str) -> None:
        """Replace the file atomically."""
        replacement = self.path.with_name(f".{self.path.name}.new")
        replacement.write_text(_StoredCheckpoint(**self.scope.model_dump(), last=last).model_dump_json())
        replacement.replace(self.path)

    def remove(self) -> None:
        """Delete the file, since the backfill is complete."""
        self.path.unlink(missing_ok=True)
