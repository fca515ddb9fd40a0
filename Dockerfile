# One image for the daemon (`run`) and for the Sonnen exporter (`exporter`).
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python3 -m venv /opt/watchman
WORKDIR /src
# The packages change seldom, the code often: a layer each.
COPY requirements.lock ./
RUN /opt/watchman/bin/pip install -q --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE config.yaml ./
COPY rules rules
COPY watchman watchman
# What only builds and installs has no work in the image that runs; tests of the libraries neither.
RUN /opt/watchman/bin/pip install -q --no-deps --no-build-isolation . \
    && /opt/watchman/bin/pip uninstall -q -y setuptools pip \
    && rm -rf /opt/watchman/lib/python3*/site-packages/pandas/tests \
        /opt/watchman/lib/python3*/site-packages/numpy/*/tests \
        /opt/watchman/lib/python3*/site-packages/matplotlib/tests

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="watchman" \
    org.opencontainers.image.description="Alerting and energy reports for homes with solar panels and a battery" \
    org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/watchman/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    WATCHMAN_DATA=/data \
    MPLCONFIGDIR=/tmp/matplotlib
RUN groupadd --gid 10001 watchman \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin watchman \
    && install -d -o watchman -g watchman -m 0700 /data \
    && install -d /etc/watchman
COPY --from=builder /opt/watchman /opt/watchman
COPY deploy/image/healthcheck.py /usr/local/lib/watchman/healthcheck.py
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9424 9422
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-I", "/usr/local/lib/watchman/healthcheck.py"]
ENTRYPOINT ["watchman"]
CMD ["run", "--config", "/etc/watchman/config.yaml"]
