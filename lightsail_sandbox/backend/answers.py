"""The operations that are functions of a request, by their names in AWS's model. `responses` has the others."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from lightsail_sandbox.backend import catalogues, copies, key_pairs, launches, restores, servers, static_ips
from lightsail_sandbox.backend.databases import RelationalDatabase
from lightsail_sandbox.backend.writing import Answer, write_operations

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation

Answering = Callable[["LightsailBackend", Mapping[str, Any]], Answer]


def _get_password(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    database = backend.find(RelationalDatabase, params["relationalDatabaseName"])
    return {"masterUserPassword": database.master_password, "createdAt": database.created_at.timestamp()}


def _writing(write: "Callable[[LightsailBackend, Mapping[str, Any]], list[Operation]]") -> Answering:
    return lambda backend, params: write_operations(backend, write(backend, params))


ANSWERS: Final[Mapping[str, Answering]] = {
    "AllocateStaticIp": _writing(static_ips.allocate),
    "AttachStaticIp": _writing(static_ips.attach),
    "CloseInstancePublicPorts": servers.close_ports,
    "CopySnapshot": _writing(copies.copy_snapshot),
    "CreateDiskFromSnapshot": _writing(restores.create_disk_from_snapshot),
    "CreateInstances": _writing(launches.create_instances),
    "CreateInstancesFromSnapshot": _writing(restores.create_instances_from_snapshot),
    "CreateKeyPair": key_pairs.create,
    "CreateRelationalDatabaseFromSnapshot": _writing(restores.create_relational_database_from_snapshot),
    "DeleteKeyPair": key_pairs.delete,
    "DetachStaticIp": _writing(static_ips.detach),
    "GetActiveNames": catalogues.get_active_names,
    "GetBlueprints": catalogues.get_blueprints,
    "GetBundles": catalogues.get_bundles,
    "GetInstance": servers.get_instance,
    "GetInstanceMetricData": servers.get_metric_data,
    "GetInstancePortStates": servers.get_port_states,
    "GetInstanceState": servers.get_state,
    "GetInstances": servers.get_instances,
    "GetKeyPair": key_pairs.get,
    "GetKeyPairs": key_pairs.get_all,
    "GetRelationalDatabaseBlueprints": catalogues.get_database_blueprints,
    "GetRelationalDatabaseBundles": catalogues.get_database_bundles,
    "GetRelationalDatabaseMasterUserPassword": _get_password,
    "OpenInstancePublicPorts": servers.open_ports,
    "PutInstancePublicPorts": servers.put_ports,
    "RebootInstance": _writing(servers.reboot),
    "ReleaseStaticIp": _writing(static_ips.release),
    "StartInstance": _writing(servers.start),
    "StopInstance": _writing(servers.stop),
    "UpdateInstanceMetadataOptions": servers.update_metadata_options,
}
