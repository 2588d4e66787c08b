# The source image: OpenOnload's source RPM and the scripts that build it. Nothing in it runs; the kmod image's build
# copies from it (SRPM_IMAGE). Built from a binary build context: this file as Dockerfile, onload-<version>-1.src.rpm,
# build-kmod.sh, entitled-packages.sh.
FROM scratch
COPY *.src.rpm *.sh /onload/
