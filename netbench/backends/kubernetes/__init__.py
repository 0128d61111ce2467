"""Workers as pods of a Kubernetes cluster; the only package that imports kubernetes_asyncio."""
