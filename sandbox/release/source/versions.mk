# The versions that onload and sfc report (modinfo -F version; the other two, like the real ones, report none). No release of
# AMD's begins with 0.
ONLOAD_VERSION := 0.9.0.1
SFC_VERSION := 0.6.1.1
