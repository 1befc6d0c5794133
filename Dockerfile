# One image per target:
#   docker build --target service -t airlock-service .
#   docker build --target workers -t airlock-workers .
#   docker build --target ops     -t airlock-ops .      the `airlock` command, both pods and the emulator
#   docker build --target clamd   -t airlock-clamd .    ClamAV without definitions: freshclam brings them

FROM python:3.11-slim AS base
ENV PATH=/opt/airlock/bin:$PATH PYTHONUNBUFFERED=1
# onnxruntime, which the workers' media type model runs on, reports to its vendor otherwise.
ENV ORT_DISABLE_TELEMETRY=1
WORKDIR /app
# A numeric user, so that Kubernetes can see that it is not root.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin airlock
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
LABEL org.opencontainers.image.version=0.1.0 org.opencontainers.image.licenses=Apache-2.0
COPY LICENSE NOTICE THIRD_PARTY.md /usr/share/doc/airlock/

# The packages stand in a layer below our sources, which change more often. An editable install needs no sources yet:
# it makes the `airlock` command, and points at /app.
FROM base AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/airlock
COPY pyproject.toml constraints.txt LICENSE NOTICE THIRD_PARTY.md ./

FROM packages AS service-packages
RUN pip install -c constraints.txt -e '.[service]'

FROM packages AS workers-packages
RUN pip install -c constraints.txt -e '.[workers]'

FROM packages AS ops-packages
RUN pip install -c constraints.txt -e '.[ops]'

# libarchive reads RAR, CAB, ISO and the like; libseccomp writes the filter of system calls of the examiners' processes.
FROM base AS examiners
RUN apt-get update \
    && apt-get install -y --no-install-recommends libarchive13 libseccomp2 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS service
LABEL org.opencontainers.image.title=airlock-service \
    org.opencontainers.image.description="Airlock: the HTTP API that signs uploads to S3"
COPY --from=service-packages /opt/airlock /opt/airlock
COPY airlock.toml ./
COPY airlock airlock
COPY aws aws
COPY service service
COPY web web
USER 10001
EXPOSE 8080
CMD ["python", "-m", "service"]

FROM examiners AS workers
LABEL org.opencontainers.image.title=airlock-workers \
    org.opencontainers.image.description="Airlock: inspects uploaded objects, and promotes or quarantines them"
COPY --from=workers-packages /opt/airlock /opt/airlock
COPY airlock.toml ./
COPY airlock airlock
COPY aws aws
COPY workers workers
USER 10001
CMD ["python", "-m", "workers"]

FROM examiners AS ops
LABEL org.opencontainers.image.title=airlock-ops \
    org.opencontainers.image.description="Airlock: the airlock command, both pods and an emulator of S3, SQS and DynamoDB"
COPY --from=ops-packages /opt/airlock /opt/airlock
COPY airlock.toml ./
COPY airlock airlock
COPY aws aws
COPY service service
COPY workers workers
COPY ops ops
COPY web web
USER 10001
ENTRYPOINT ["airlock"]

FROM debian:bookworm-slim AS clamd
LABEL org.opencontainers.image.title=airlock-clamd \
    org.opencontainers.image.description="ClamAV for Airlock, without definitions" \
    org.opencontainers.image.version=0.1.0 \
    org.opencontainers.image.licenses=GPL-2.0-only
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates clamav-daemon clamav-freshclam clamdscan \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 /run/clamd /var/lib/clamav
COPY k8s/clamd.conf k8s/freshclam.conf /etc/clamav/
COPY NOTICE /usr/share/doc/airlock/
USER 10001
CMD ["clamd", "--config-file=/etc/clamav/clamd.conf"]
