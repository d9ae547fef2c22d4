from tests.integration.conftest import _session_keeper, aws, keeper
from tests.integration.test_handler import _fresh_process

__all__ = ["_fresh_process", "_session_keeper", "aws", "keeper"]
