# The kmod image, built in the Driver Toolkit: it has the node's kernel-devel and modules, the compiler that built the
# kernel, and needs neither network nor entitlement.
#
# Build arguments: SRPM_IMAGE, the source image (srpm.Dockerfile) by digest; BASE_IMAGE, optional. KMM adds DTK_AUTO, the
# Driver Toolkit of the node's OS version, and KERNEL_FULL_VERSION, the node's `uname -r`. Arguments before the first FROM
# are for FROM lines only; a stage sees those that it declares itself.
ARG SRPM_IMAGE
ARG DTK_AUTO
# Must have /bin/sh, mkdir and cp: with these KMM's worker copies the modules out of it.
ARG BASE_IMAGE=registry.access.redhat.com/ubi9/ubi-minimal:9.6

FROM ${SRPM_IMAGE} AS srpm

FROM ${DTK_AUTO} AS build
ARG KERNEL_FULL_VERSION
COPY --from=srpm /onload/ /onload/
RUN sh /onload/build-kmod.sh "${KERNEL_FULL_VERSION}" /opt

# Only the modules' directory goes on: extra/*.ko, the `kernel` link to the node's own modules, depmod's index.
FROM ${BASE_IMAGE}
ARG KERNEL_FULL_VERSION
COPY --from=build /opt/lib/modules/${KERNEL_FULL_VERSION}/ /opt/lib/modules/${KERNEL_FULL_VERSION}/
