"""What this family asks of the platform."""

from functions.widget.session import BY_USER, TABLE
from sessions import accounts, erasures
from sessions.deployment import Family, Function, Right

ERASURES = erasures.table("widget")
FAMILY = Family(
    name="widget",
    tables=(TABLE, ERASURES),
    has_api_keys=True,
    authorizer=Function(module="authorize", rights=(Right(("GetItem",), accounts.TABLE),)),
    endpoints=(
        Function(
            module="list_user_sessions",
            rights=(Right(("Query",), TABLE, BY_USER), Right(("GetItem",), accounts.TABLE)),
        ),
    ),
    recorder=Function(
        module="record_sessions",
        memory=512,
        timeout=30,
        rights=(Right(("PutItem",), TABLE), Right(("GetItem",), ERASURES), Right(("GetItem",), accounts.TABLE)),
    ),
)
