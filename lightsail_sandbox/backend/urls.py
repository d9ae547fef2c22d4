"""Where moto sends Lightsail's requests."""

from lightsail_sandbox.backend.responses import LightsailResponse

url_bases = [r"https?://lightsail\.(.+)\.amazonaws\.com"]

url_paths = {"{0}/$": LightsailResponse.dispatch}
