# The kmod image, built in UBI with packages of a Red Hat subscription, for whoever cannot use the Driver Toolkit.
# Needs the build secret etc-pki-entitlement, which KMM mounts at /run/secrets/etc-pki-entitlement.
#
# Build arguments: SRPM_IMAGE, the source image (srpm.Dockerfile) by digest; UBI_IMAGE, UBI of the kernel's own RHEL, major and
# minor (core/kernelRelease.ts); BASE_IMAGE, optional. KMM adds KERNEL_FULL_VERSION, the node's `uname -r`. Arguments before the first FROM are for FROM lines only; a stage sees those
# that it declares itself.
ARG SRPM_IMAGE
ARG UBI_IMAGE
# Must have /bin/sh, mkdir and cp: with these KMM's worker copies the modules out of it.
ARG BASE_IMAGE=registry.access.redhat.com/ubi9/ubi-minimal:9.6

FROM ${SRPM_IMAGE} AS srpm

FROM ${UBI_IMAGE} AS build
ARG KERNEL_FULL_VERSION
COPY --from=srpm /onload/ /onload/
RUN sh /onload/entitled-packages.sh "${KERNEL_FULL_VERSION}"
RUN sh /onload/build-kmod.sh "${KERNEL_FULL_VERSION}" /opt

# Only the modules' directory goes on: extra/*.ko, the `kernel` link to the node's own modules, depmod's index.
FROM ${BASE_IMAGE}
ARG KERNEL_FULL_VERSION
COPY --from=build /opt/lib/modules/${KERNEL_FULL_VERSION}/ /opt/lib/modules/${KERNEL_FULL_VERSION}/
