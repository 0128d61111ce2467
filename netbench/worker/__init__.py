"""What runs in a worker: standard library, attrs, cattrs and anyio only, so that it fits into a bundle of pure Python."""
