# The images of Signet (the last stage, built by default) and of the sample API (--target api).
#
# Tags move. To build from one exact base image, give its digest, which `docker buildx imagetools inspect node:24-slim`
# prints: docker build --build-arg NODE_IMAGE=node:24-slim@sha256:… .
ARG NODE_IMAGE=node:24-slim

# No install script of a package runs: argon2 brings its compiled part along.
# What the server needs to run: no Prisma CLI, no embedded PostgreSQL, no compiler.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-workspaces --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/verifier/package.json packages/verifier/package.json
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json prisma.config.ts ./
COPY prisma prisma
COPY scripts scripts
COPY src src
COPY packages packages
# Whatever umask the sources were checked out under: the server runs as a user that owns none of its files.
RUN npm run build && chmod -R a+rX package.json prisma dist packages && chmod 755 dist/cli/main.js

# It uses packages of the server, at the versions of the one lock file.
FROM ${NODE_IMAGE} AS api
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8090
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/packages/verifier/package.json node_modules/@signet/verifier/package.json
COPY --from=build /app/packages/verifier/dist node_modules/@signet/verifier/dist
COPY examples/tournament-api ./
RUN chmod -R a+rX .
USER 10002:10002
EXPOSE 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.PORT + '/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server.js"]

FROM ${NODE_IMAGE} AS signet
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Signet" \
  org.opencontainers.image.description="A self-hosted OAuth 2.0 authorization server for machine-to-machine access" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Nothing has to be writable. The data folder does not exist in the image, so that a master key is never made in a
# container that takes it along when it is removed: give MASTER_KEY_FILE, or mount a volume there.
ENV NODE_ENV=production HOST=0.0.0.0 SIGNET_DATA_DIR=/var/lib/signet
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/package.json package.json
COPY --from=build /app/prisma/migrations prisma/migrations
COPY --from=build /app/dist dist
RUN ln -s /app/dist/cli/main.js /usr/local/bin/signet
# By number: Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "/app/dist/healthcheck.js"]
CMD ["node", "/app/dist/main.js"]
