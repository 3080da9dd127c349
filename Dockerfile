# Tandem's processes: API, central worker and bridge are one image with different commands.
# glibc is needed: the Temporal SDK's native core is not built for musl.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20-bookworm-slim
# The SDK's core reads the system's certificate store.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY cli/bin.js ./cli/bin.js
RUN mkdir /keys && chown node:node /keys
USER node
ENTRYPOINT ["tini", "--"]
CMD ["node", "dist/api/main.js"]
