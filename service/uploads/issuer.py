"""Signs policies: an upload id, a key, and one signature. Nothing here waits for I/O."""

from airlock import keys, upload_id, upload_session
from airlock.intent import Intent, SizeRange
from airlock.policy import Bucket, Policy, bucket_url, sign, usable_lifetime
from airlock.profile import Profile
from airlock.upload_id import UploadId
from airlock.upload_session import Session
from service.ports import Ports
from service.settings import Settings


class Issuer:
    """Issues uploads to the incoming bucket of `settings`."""

    def __init__(self, settings: Settings, ports: Ports) -> None:
        name = settings.incoming_bucket
        self._bucket = Bucket(name, settings.region, bucket_url(name, ports.s3_url, settings.addressing))
        self._prefix = settings.incoming_prefix
        self._secrets = [secret.get_secret_value().encode() for secret in settings.secrets]
        self._credentials = ports.credentials
        self._now = ports.now
        self._random = ports.random

    def issue(
        self, profile: Profile, intent: Intent, size: SizeRange, session: Session | None = None
    ) -> tuple[UploadId, Policy]:
        """A new upload id for `intent`, and the policy for it. Both have the same lifetime.

        The id of an upload that a session makes tells which one it was. Raises Unavailable without usable credentials,
        and Refused for metadata or a form larger than S3 accepts.
        """
        now, credentials = self._now(), self._credentials.current()
        lifetime = usable_lifetime(profile.lifetime, credentials, now)
        random = self._random(upload_id.RANDOM_BYTES)
        if session is not None:
            random = upload_session.random_of_upload(session, random, self._secrets[0])
        upload = upload_id.mint(random, int(now), lifetime, intent.owner, self._secrets)
        policy = sign(
            credentials,
            self._bucket,
            keys.incoming(self._prefix, upload.text),
            now=int(now),
            lifetime=lifetime,
            fields=intent.to_fields(),
            size=size,
        )
        return upload, policy

    def verify(self, text: str, owner: str) -> UploadId:
        """Parse an upload id that we issued to `owner`; raises InvalidUploadId for any other text."""
        return upload_id.verify(text, owner, self._secrets)

    def is_made_by(self, session: Session, upload: UploadId) -> bool:
        """Whether that session made this upload."""
        return upload_session.made(session, upload, self._secrets)
