# syntax=docker/dockerfile:1.7
# The collector, its API and dbt: one process tree, no root, everything it writes under
# /var/lib/agent-analytics. docs/containers.md says how to run it.
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
WORKDIR /src
# What the wheel is made of (pyproject.toml, force-include) and nothing else.
COPY pyproject.toml README.md LICENSE ./
COPY cli cli
COPY collector collector
COPY dashboards dashboards
COPY dbt_project dbt_project
COPY hooks hooks
COPY tests/fixtures/claude tests/fixtures/claude
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist .
RUN python -m venv /opt/agent-analytics \
    && /opt/agent-analytics/bin/python -m pip install --no-cache-dir /dist/*.whl

FROM python:${PYTHON_VERSION}-slim-bookworm
# git: what is read of repositories that are mounted into the container.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
# A named volume takes owner and mode from the folder of the image that it is mounted over, so
# these exist here: the home, what BI tools mount read-only, the Collector's key, and its queue,
# for which its own image has no folder.
RUN groupadd --gid 10001 agent-analytics \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/agent-analytics \
        --shell /usr/sbin/nologin agent-analytics \
    && install --directory --owner 10001 --group 10001 --mode 0700 \
        /var/lib/agent-analytics \
        /var/lib/agent-analytics/data \
        /var/lib/agent-analytics/data/published \
        /var/lib/agent-analytics-keys \
        /var/lib/otelcol/queue
COPY --from=build /opt/agent-analytics /opt/agent-analytics
ENV PATH=/opt/agent-analytics/bin:$PATH \
    HOME=/var/lib/agent-analytics \
    AGENT_ANALYTICS_HOME=/var/lib/agent-analytics \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/agent-analytics
USER 10001:10001
EXPOSE 4317 4318 8321
# Starts once there is a key (`agent-analytics keys create`) and it is told how it is encrypted.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8321/healthz', timeout=4)"]
ENTRYPOINT ["agent-analytics"]
CMD ["up", "--host", "0.0.0.0", "--no-demo"]
