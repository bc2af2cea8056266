# unpack.sh FOLDER PACKAGE...: unpacks Debian packages, and what they need and is not here, into FOLDER. Nothing is
# installed: two syslog daemons cannot be beside each other, and a machine keeps the one it has.
set -e
folder=$1; shift
[ "$(id -u)" != 0 ] || apt-get update -qq
rm -rf "$folder.new"; mkdir -p "$folder.new/packages"; cd "$folder.new/packages"
needed=$(apt-get install -s -qq --no-install-recommends "$@" | awk '/^Inst/ { print $2 }')
apt-get download -qq $needed 2>/dev/null
for package in *.deb; do dpkg -x "$package" ..; done
cd / && rm -rf "$folder.new/packages" "$folder" && mv "$folder.new" "$folder"
