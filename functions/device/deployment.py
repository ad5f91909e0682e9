"""What this family asks of the platform."""

from functions.device.session import BY_BEGINNING, TABLE
from sessions import accounts, erasures
from sessions.deployment import Family, Function, Right

ERASURES = erasures.table("device")
FAMILY = Family(
    name="device",
    tables=(TABLE, ERASURES),
    authorizer=Function(module="authorize", rights=(Right(("GetItem",), accounts.TABLE),)),
    endpoints=(Function(module="get_session_info", rights=(Right(("GetItem",), TABLE),)),),
    recorder=Function(
        module="record_accounting",
        memory=512,
        timeout=30,
        rights=(
            Right(("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "Query"), TABLE),
            Right(("Query",), TABLE, BY_BEGINNING),
            Right(("GetItem",), ERASURES),
            Right(("GetItem",), accounts.TABLE),
        ),
    ),
)
