"""The table of uploads, its index by owner, and its time to live."""

from typing import Any

from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings

NO_TABLE = {"ResourceNotFoundException"}
INDEX = "owner-index"
EXPIRY = "expires_at"
ON = ("ENABLED", "ENABLING")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_INDEXES = 20
KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
INDEX_KEY = [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "created", "KeyType": "RANGE"}]
ATTRIBUTES = [
    {"AttributeName": "id", "AttributeType": "S"},
    {"AttributeName": "owner", "AttributeType": "S"},
    {"AttributeName": "created", "AttributeType": "N"},
]
INDEX_SHAPE = {"IndexName": INDEX, "KeySchema": INDEX_KEY, "Projection": {"ProjectionType": "ALL"}}


def settings(clients: ProvisioningClients, wanted: Settings) -> list[Setting]:
    """The table, its index, and its time to live. Its capacity and other indexes are its owner's."""
    dynamodb, name = clients.dynamodb, wanted.table
    return [_key_of_table(dynamodb, name), _index_by_owner(dynamodb, name), _expiry(dynamodb, name)]


async def _described(dynamodb: Any, name: str) -> Any:
    answer = await unless(NO_TABLE, dynamodb.describe_table(TableName=name))
    return answer and answer["Table"]


def _key_of_table(dynamodb: Any, name: str) -> Setting:
    async def read() -> Any:
        table = await _described(dynamodb, name)
        if table is None:
            return None
        found, types = _typed(table["KeySchema"], table), _types(table)
        if found != "id (S)":
            raise ConflictError(f"table {name} has the key {found} and not id (S): choose another name")
        for attribute, kind in _types({"AttributeDefinitions": ATTRIBUTES}).items():
            if types.get(attribute, kind) != kind:
                raise ConflictError(
                    f"table {name} has an index on {attribute} ({types[attribute]}), which Airlock keeps as {kind}: "
                    "choose another name"
                )
        return found

    async def write() -> None:
        await dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=KEY,
            AttributeDefinitions=ATTRIBUTES,
            GlobalSecondaryIndexes=[INDEX_SHAPE],
        )
        await _until_there(dynamodb, name)

    return Setting(f"table {name}", "key", "id (S)", read, write)


def _index_by_owner(dynamodb: Any, name: str) -> Setting:
    wanted = "owner (S), created (N)"

    async def read() -> Any:
        table = await _described(dynamodb, name)
        indexes = table.get("GlobalSecondaryIndexes", []) if table else []
        index = next((each for each in indexes if each["IndexName"] == INDEX), None)
        if index is None:
            if len(indexes) >= MAX_INDEXES:
                raise ConflictError(f"table {name} has {len(indexes)} indexes, and needs one more: remove one")
            return None
        found = _typed(index["KeySchema"], table)
        if found != wanted or index["Projection"]["ProjectionType"] != "ALL":
            projection = index["Projection"]["ProjectionType"]
            raise ConflictError(
                f"index {INDEX} of table {name} has the key {found} and projects {projection}, not {wanted} and ALL: "
                "delete it first"
            )
        return found

    async def write() -> None:
        table = await _described(dynamodb, name)
        if any(each["IndexName"] == INDEX for each in table.get("GlobalSecondaryIndexes", [])):
            return  # The table was created with it.
        await dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=ATTRIBUTES,
            GlobalSecondaryIndexUpdates=[{"Create": {**INDEX_SHAPE, **_capacity(table)}}],
        )
        await _until_there(dynamodb, name)

    return Setting(f"table {name}", INDEX, wanted, read, write)


def _capacity(table: dict[str, Any]) -> dict[str, Any]:
    """What a new index needs where its table has a fixed capacity: as much as the table."""
    if table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED") == "PAY_PER_REQUEST":
        return {}
    units = ("ReadCapacityUnits", "WriteCapacityUnits")
    return {"ProvisionedThroughput": {unit: table["ProvisionedThroughput"][unit] for unit in units}}


def _types(table: dict[str, Any]) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}


def _typed(schema: list[dict[str, str]], table: dict[str, Any]) -> str:
    types = _types(table)
    return ", ".join(f"{part['AttributeName']} ({types[part['AttributeName']]})" for part in schema)


async def _until_there(dynamodb: Any, name: str) -> None:
    await dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def _expiry(dynamodb: Any, name: str) -> Setting:
    async def read() -> Any:
        answer = await unless(NO_TABLE, dynamodb.describe_time_to_live(TableName=name))
        if answer is None:
            return None
        described = answer["TimeToLiveDescription"]
        attribute, status = described.get("AttributeName"), described["TimeToLiveStatus"]
        if status == "DISABLING" or (status in ON and attribute != EXPIRY):
            raise ConflictError(
                f"table {name} has its time to live on {attribute} ({status.lower()}), and a table has one: turn it "
                f"off, and try again an hour later, or choose another table"
            )
        return attribute if status in ON else "off"

    async def write() -> None:
        await dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY}
        )

    return Setting(f"table {name}", "expiry", EXPIRY, read, write)
