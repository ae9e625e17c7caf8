# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md CHANGELOG.md LICENSE ./
COPY src src
COPY migrations migrations
RUN python -m venv /opt/topcoat \
 && /opt/topcoat/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
COPY --from=build /opt/topcoat /opt/topcoat
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/topcoat topcoat
ENV PATH=/opt/topcoat/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TOPCOAT_HOME=/var/lib/topcoat
USER 10001
WORKDIR /var/lib/topcoat
VOLUME /var/lib/topcoat
EXPOSE 8300
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8300/health/ready', timeout=2)"]
ENTRYPOINT ["topcoat"]
CMD ["serve", "--host", "0.0.0.0"]
