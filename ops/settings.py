"""The settings of operators' commands, read from the same environment as those of the pods."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from aws.settings import AwsSettings, CommaSeparated, CorsOrigins
from ops.iam.policies import Pod

FOURTEEN_DAYS = 14
"""The longest that SQS keeps a message, and so the longest that an object can wait for its inspection."""

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$")]


class Settings(AwsSettings):
    """A whole deployment. `secrets` may be empty: most commands work without, so operators need not know them."""

    model_config = SettingsConfigDict(frozen=True)

    secrets: CommaSeparated[SecretStr] = Field(default=[])
    cors_origins: CorsOrigins | None = None
    """Origins of the pages that send files, such as `https://app.example.com`. None: CORS stays as it is; an empty list
    removes our rules."""
    max_receives: int = Field(default=10, ge=2, le=1000)
    """Receives after which SQS moves a message to the dead letters. It is above the workers' max_attempts, so that SQS
    moves only messages whose workers ended before they could say why."""
    incoming_days: int = Field(default=FOURTEEN_DAYS, ge=1)
    quarantine_days: int = Field(default=30, ge=1)
    service_role: RoleName | None = None
    """The IAM role of the service, whose policy `airlock provision` attaches; None: no IAM call is made for it."""
    workers_role: RoleName | None = None
    operator_role: RoleName | None = None

    @field_validator("workers_role", "operator_role")
    @classmethod
    def _role_of_its_own(cls, value: str | None, info: ValidationInfo) -> str | None:
        for other in ("service_role", "workers_role"):
            if other != info.field_name and value is not None and value == info.data.get(other):
                raise ValueError(f"must differ from {other}: each pod may do less than both together")
        return value

    def roles(self) -> dict[Pod, str]:
        """The names of the roles that are set, by pod."""
        given: dict[Pod, str | None] = {
            "service": self.service_role,
            "workers": self.workers_role,
            "operator": self.operator_role,
        }
        return {pod: role for pod, role in given.items() if role is not None}
