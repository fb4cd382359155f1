# syntax=docker/dockerfile:1
# Builds Dossier with its page, and a small image that runs it against the Postgres of DATABASE_URL.

FROM node:22-bookworm-slim AS node

FROM rust:1.95-slim-bookworm AS build
# npm bundles the page; libstdc++, which Node.js needs, comes with the compiler.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /source
COPY . .
# The caches keep compiled dependencies between builds. Without the page the build fails.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    --mount=type=cache,target=/root/.npm \
    DOSSIER_WEB=required cargo build --release --locked && \
    install -D target/release/dossier /install/dossier

FROM debian:bookworm-slim
# Certificates for databases, token issuers and collectors that are reached by TLS.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /install/dossier /usr/local/bin/dossier
# Nothing is written to the file system: run it with a read-only root.
USER 65532:65532
WORKDIR /
ENV BIND_ADDRESS=0.0.0.0:8000 \
    LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["dossier", "health"]
ENTRYPOINT ["dossier"]
CMD ["serve"]
