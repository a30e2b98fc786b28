# syntax=docker/dockerfile:1

FROM nats:2.14-alpine AS nats

FROM node:24-slim AS build
WORKDIR /opt/lyredb
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY scripts/build.mjs scripts/load-bundle.cjs scripts/third-party-licences.mjs ./scripts/
COPY src ./src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
# Statically linked, so it runs here although it comes from another distribution.
COPY --from=nats /usr/local/bin/nats-server /usr/local/bin/nats-server
WORKDIR /opt/lyredb
COPY --from=build /opt/lyredb/node_modules ./node_modules
COPY --from=build /opt/lyredb/dist ./dist
COPY package.json LICENSE ./
COPY nats-config ./nats-config
COPY scripts/lyre ./scripts/lyre
# The data directory exists with its owner before it becomes a volume, or the volume would belong to root.
RUN ln -s /opt/lyredb/scripts/lyre /usr/local/bin/lyre \
  && useradd --create-home --shell /usr/sbin/nologin lyre \
  && install -d -o lyre -g lyre -m 0700 /home/lyre/data

USER lyre
WORKDIR /home/lyre
ENV NODE_ENV=production \
  ROOTPATH=/home/lyre/data
VOLUME /home/lyre/data
# 9925: operations API. 9932: the other nodes.
EXPOSE 9925 9932
# Over the domain socket: whatever the ports, addresses and TLS of the node are.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["lyre", "status"]
CMD ["lyre", "start"]
