"""What this family asks of the platform."""

from functions.widget.session import BY_USER, TABLE
from sessions import accounts
from sessions.deployment import Family, Function, Right

FAMILY = Family(
    name="widget",
    tables=(TABLE,),
    has_api_keys=True,
    authorizer=Function(module="authorize", rights=(Right(("GetItem",), accounts.TABLE),)),
    endpoints=(
        Function(
            module="list_user_sessions",
            rights=(Right(("Query",), TABLE, BY_USER), Right(("GetItem",), accounts.TABLE)),
        ),
    ),
    recorder=Function(module="record_sessions", timeout=30, rights=(Right(("PutItem",), TABLE),)),
)
