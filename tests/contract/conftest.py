from tests.integration.conftest import _session_keeper, aws, keeper

__all__ = ["_session_keeper", "aws", "keeper"]
