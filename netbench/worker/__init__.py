"""What runs in a worker: standard library, attrs, cattrs and anyio only, so that pure Python is enough."""
