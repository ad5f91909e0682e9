"""What every family shares: the door to DynamoDB, accounts, credentials, and the plumbing of requests and events."""
