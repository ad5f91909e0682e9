"""The least that a function of ours could be: it has a TLS context, and answers."""

import os
import ssl

CONTEXT = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))


def handler(event: object, context: object) -> dict[str, object]:
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}
