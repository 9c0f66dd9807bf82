# The REST service, with the drivers of the stores that compose.yaml starts.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/graphmem
WORKDIR /source
COPY requirements/service.txt requirements/build.txt requirements/
RUN /opt/graphmem/bin/pip install --no-deps --require-hashes -r requirements/service.txt -r requirements/build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY graphmem graphmem
RUN /opt/graphmem/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home graphmem
COPY --from=build /opt/graphmem /opt/graphmem
ENV PATH=/opt/graphmem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GRAPHMEM_STORE=sqlite:////data/graphmem.db \
    GRAPHMEM_API_HOST=0.0.0.0 \
    GRAPHMEM_API_PORT=8000
USER graphmem
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Asks what is set, not 8000: the port can be another one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"GRAPHMEM_API_PORT\"]}/healthz', timeout=4)"]
CMD ["graphmem", "serve"]
