"""The table of uploads, its index by owner, and its time to live."""

from typing import Any

from airlock.errors import AirlockError
from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import Setting
from ops.settings import Settings

NO_TABLE = {"ResourceNotFoundException"}
INDEX = "owner-index"
EXPIRY = "expires_at"
KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
INDEX_KEY = [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "created", "KeyType": "RANGE"}]
ATTRIBUTES = [
    {"AttributeName": "id", "AttributeType": "S"},
    {"AttributeName": "owner", "AttributeType": "S"},
    {"AttributeName": "created", "AttributeType": "N"},
]
INDEX_SHAPE = {"IndexName": INDEX, "KeySchema": INDEX_KEY, "Projection": {"ProjectionType": "ALL"}}


class WrongKeyError(AirlockError):
    """The table or its index exists with another key, which cannot be changed."""


def settings(clients: ProvisioningClients, wanted: Settings) -> list[Setting]:
    """The table with its index, and its time to live."""
    return [_shape(clients.dynamodb, wanted.table), _expiry(clients.dynamodb, wanted.table)]


async def _described(dynamodb: Any, name: str) -> Any:
    answer = await unless(NO_TABLE, dynamodb.describe_table(TableName=name))
    return answer and answer["Table"]


def _shape(dynamodb: Any, name: str) -> Setting:
    wanted = {"key": "id", "billing": "PAY_PER_REQUEST", INDEX: "owner, created"}

    async def read() -> Any:
        table = await _described(dynamodb, name)
        return table and {
            "key": _key(table["KeySchema"]),
            "billing": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            INDEX: _key(_index(table)["KeySchema"]) if _index(table) else None,
        }

    async def write() -> None:
        table = await _described(dynamodb, name)
        if table is None:
            await _create(dynamodb, name)
        elif _key(table["KeySchema"]) != "id":
            raise WrongKeyError(f"table {name} has the key {_key(table['KeySchema'])} and not id: choose another name")
        else:
            await _repair(dynamodb, name, table)
        await dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})

    return Setting(f"table {name}", "shape", wanted, read, write)


def _key(schema: list[dict[str, str]]) -> str:
    return ", ".join(part["AttributeName"] for part in schema)


def _index(table: dict[str, Any]) -> Any:
    return next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == INDEX), None)


async def _create(dynamodb: Any, name: str) -> None:
    await dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=KEY,
        AttributeDefinitions=ATTRIBUTES,
        GlobalSecondaryIndexes=[INDEX_SHAPE],
    )


async def _repair(dynamodb: Any, name: str, table: dict[str, Any]) -> None:
    if table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
        await dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
        await dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    index = _index(table)
    if index is None:
        await dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=ATTRIBUTES,
            GlobalSecondaryIndexUpdates=[{"Create": INDEX_SHAPE}],
        )
    elif _key(index["KeySchema"]) != _key(INDEX_KEY):
        raise WrongKeyError(f"index {INDEX} of table {name} has the key {_key(index['KeySchema'])}: delete it first")


def _expiry(dynamodb: Any, name: str) -> Setting:
    async def read() -> Any:
        answer = await unless(NO_TABLE, dynamodb.describe_time_to_live(TableName=name))
        if answer is None:
            return None
        described = answer["TimeToLiveDescription"]
        on = described["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
        return described.get("AttributeName") if on else "off"

    async def write() -> None:
        await dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY}
        )

    return Setting(f"table {name}", "expiry", EXPIRY, read, write)
