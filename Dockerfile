# Both commands in one image: docker build -t whodid .
# The root file system can be read-only (--read-only --tmpfs /tmp): only the two volumes are written.

FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
# The versions that the tests run with, without those that only the tests need.
RUN sed -n 's/^\([A-Za-z0-9._-]*==[^\\]*\).*/\1/p' requirements.lock > /pins.txt
RUN python -m venv /opt/whodid && PIP_CONSTRAINT=/pins.txt /opt/whodid/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/whodid --shell /usr/sbin/nologin whodid \
    && install -d -o whodid -g whodid -m 0750 /var/lib/whodid /var/lib/whodid-agent
COPY --from=build /opt/whodid /opt/whodid
# XDG_STATE_HOME gives this user the places that root has: /var/lib/whodid/audit.db, /var/lib/whodid-agent.
ENV PATH=/opt/whodid/bin:$PATH PYTHONUNBUFFERED=1 XDG_STATE_HOME=/var/lib HEALTH_URL=http://127.0.0.1:8642/healthz
USER whodid
VOLUME ["/var/lib/whodid", "/var/lib/whodid-agent"]
EXPOSE 8642 8686
HEALTHCHECK --start-period=20s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(os.environ['HEALTH_URL'], timeout=4)"]
# whodid-agent run …, whodid forward …, whodid search …: as arguments of `docker run`.
CMD ["whodid", "serve"]
