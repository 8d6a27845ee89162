# Three images from one build: `docker build --target api .`, `--target worker`, `--target mailbox` (for trying out only).
# Debian slim, not Alpine: Temporal's native library is linked against glibc.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/link-node.mjs tools/
RUN npm ci
COPY nest-cli.json tsconfig.json ./
COPY .config .config
COPY tools tools
COPY src src
COPY workflows workflows
COPY activities activities
RUN npm run build

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/link-node.mjs tools/
# Optional packages are the Node and the PostgreSQL that `npm start` brings: an image has its own Node and needs no server.
RUN npm ci --omit=dev --omit=optional

FROM ${NODE_IMAGE} AS runtime
# On every address, for the published port: production demands AUTH=required.
ENV NODE_ENV=production HOST=0.0.0.0 TZ=UTC
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
USER node

FROM runtime AS api
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8000) + '/api/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]

FROM runtime AS worker
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.WORKER_HEALTH_PORT || 8001) + '/api/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/worker.js"]

FROM build AS mailbox
ENV HOST=0.0.0.0 DATA_DIR=/data
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 1025 8025
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.MAILBOX_HTTP_PORT || 8025) + '/api/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--import", "./tools/typescript.mjs", "tools/mailbox/main.ts"]
