"""How our own HTTP clients leave this machine: by the proxies and authorities that botocore's clients have too.

botocore reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and AWS_CA_BUNDLE or `ca_bundle` of the AWS profile:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
"""

import ssl

from aiobotocore.session import AioSession
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies


def proxy(url: str) -> str | None:
    """The URL of the proxy for `url`; None: there is none, or NO_PROXY names the host."""
    found: str | None = ProxyConfiguration(proxies=get_environ_proxies(url)).proxy_url_for(url)
    return found


def authorities() -> ssl.SSLContext:
    """TLS that trusts the system's authorities, and those of AWS_CA_BUNDLE beside them.

    Raises OSError where the bundle cannot be read.
    """
    context = ssl.create_default_context()
    bundle = AioSession().get_config_variable("ca_bundle")
    if bundle:
        try:
            context.load_verify_locations(bundle)
        except OSError as error:
            raise OSError(f"AWS_CA_BUNDLE ({bundle}) cannot be read as certificates: {error.strerror}") from error
    return context
