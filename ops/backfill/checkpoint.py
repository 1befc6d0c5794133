"""How far a run came, in a file, so that the next one need not list all of it again."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from airlock.errors import AirlockError


class NotACheckpoint(AirlockError):
    """The file is no checkpoint of this run."""


class Place(BaseModel):
    """Which objects, for whom and by which rules: only a run of the same may go on from a checkpoint."""

    bucket: str
    prefix: str
    owner: str
    profile: str


class _Written(Place):
    last: str


@dataclass(frozen=True)
class Checkpoint:
    """All methods raise OSError."""

    path: Path
    place: Place

    def read(self) -> str:
        """The last key that is settled; empty where there is no file. Raises NotACheckpoint."""
        try:
            written = _Written.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return ""
        except ValidationError as error:
            raise NotACheckpoint(f"{self.path} is no checkpoint") from error
        if Place(**written.model_dump(exclude={"last"})) != self.place:
            raise NotACheckpoint(
                f"{self.path} is the checkpoint of s3://{written.bucket}/{written.prefix} for {written.owner}"
            )
        return written.last

    def write(self, last: str) -> None:
        """Replace it, at once."""
        whole = self.path.with_name(f".{self.path.name}.new")
        whole.write_text(_Written(**self.place.model_dump(), last=last).model_dump_json())
        whole.replace(self.path)

    def remove(self) -> None:
        """There is nothing left to go on with."""
        self.path.unlink(missing_ok=True)
