#!/bin/sh
# Makes the secrets of the stack at its first start, each in a file of its own, and leaves alone what is there. Only the
# users named here can read them: 10001 is Signet, 10002 the sample API, 999 the PostgreSQL of the image postgres:18.
set -eu
umask 077
folder=$1

make_secret () {
  [ -s "$folder/$1" ] && return
  rm -f "$folder/$1.unfinished" # what a crash left belongs to others, and is read-only
  od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' > "$folder/$1.unfinished"
  chmod "$3" "$folder/$1.unfinished"
  chown "$2" "$folder/$1.unfinished"
  mv "$folder/$1.unfinished" "$folder/$1"
  echo "made $1"
}

chmod 755 "$folder"
make_secret master.key        10001:10001 400
make_secret database-password 10001:999   440
make_secret partner-secret    10001:10001 400
make_secret api-secret        10001:10002 440
sync
