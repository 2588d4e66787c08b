# The versions that the modules report (modinfo -F version). No release of AMD's begins with 0.
ONLOAD_VERSION := 0.9.0.1
SFC_VERSION := 0.6.1.1
