# Any image with Node 26 in it will do; a private mirror, for example.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No runtime dependency needs an install script, so none gets to run one.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# What Node makes of the sources is kept in the image: a start takes half the time, and less memory. It
# is kept for each user apart, and belongs to root in the end, like the sources.
FROM ${NODE_IMAGE} AS compiled
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
USER 1000:1000
RUN NODE_COMPILE_CACHE=/tmp/compiled node src/main.ts serve --help && chmod -R a+rX /tmp/compiled

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="vestibule" \
      org.opencontainers.image.description="External-auth service for Kubernetes ingress"
# Nothing is installed at run time; without its package manager the image has less to attack.
RUN rm -rf /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY --from=compiled --chown=root:root /tmp/compiled ./.compiled
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/.compiled \
    VESTIBULE_CONFIG=/etc/vestibule/vestibule.yaml
# The image's user `node`, by number: Kubernetes checks runAsNonRoot against numbers only. The files
# above belong to root, so the process cannot change its own code, and it writes nowhere else.
USER 1000:1000
EXPOSE 8080 8081 9090
# Not a HEALTHCHECK: Kubernetes ignores it and has three probes of its own, see k8s/common/deployment.yaml.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
