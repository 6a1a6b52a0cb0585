# One image, one command per process (docker-compose.yml). The environment is made as `make up` makes it: from the
# hashed lock file, Temporal's server included; no compiler, no second list of dependencies.
FROM python:3.11-slim-bookworm

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin pointsman \
 && install --directory --owner=pointsman --mode=0700 /var/lib/pointsman /var/lib/temporal

WORKDIR /opt/pointsman
COPY requirements.lock requirements-dev.lock ./
COPY deploy/environment.py deploy/environment.py
RUN python deploy/environment.py && rm -rf /root/.cache

COPY controlplane controlplane
COPY workers workers
COPY proxy proxy
COPY web web
COPY sdk sdk
RUN .venv/bin/python -m compileall -q controlplane workers proxy web sdk

ENV PATH=/opt/pointsman/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    POINTSMAN_HOME=/var/lib/pointsman \
    POINTSMAN_CONFIG=/etc/pointsman/pointsman.yaml \
    POINTSMAN_HOST=0.0.0.0
USER pointsman
VOLUME ["/var/lib/pointsman", "/var/lib/temporal"]
EXPOSE 8080 8787
CMD ["pointsman", "--help"]
