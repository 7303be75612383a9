#!/bin/bash
# A sound card without hardware: a PulseAudio server with a null sink, and ALSA's default device routed to it.
# Everything lives below DIR; no configuration of the machine or the user is touched.
#
#   soundcard.sh up DIR      start it and wait until it answers; DIR/env then holds NAME=VALUE lines for its clients
#   soundcard.sh down DIR    end it
#
# Debian: apt install pulseaudio pulseaudio-utils libasound2-plugins alsa-utils libportaudio2
set -eu
command=${1:?up or down}
dir=$(realpath -m "${2:?a folder}")

up() {
  mkdir -p "$dir"
  chmod 700 "$dir"
  cat >"$dir/asound.conf" <<CONF
pcm.!default { type pulse server "unix:$dir/native" }
ctl.!default { type pulse server "unix:$dir/native" }
CONF
  cat >"$dir/env" <<ENV
PULSE_SERVER=unix:$dir/native
PULSE_RUNTIME_PATH=$dir
PULSE_STATE_PATH=$dir
PULSE_COOKIE=$dir/cookie
XDG_RUNTIME_DIR=$dir
ALSA_CONFIG_PATH=$dir/asound.conf
ENV
  set -a
  . "$dir/env"
  set +a
  unset DISPLAY DBUS_SESSION_BUS_ADDRESS || true
  setsid pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disable-shm=yes \
    --realtime=no --high-priority=no --log-target="file:$dir/pulse.log" \
    -L "module-native-protocol-unix socket=$dir/native auth-anonymous=1" \
    -L "module-null-sink sink_name=card format=float32le rate=48000 channels=2" \
    >"$dir/stdio.log" 2>&1 &
  echo $! >"$dir/pid"
  for _ in $(seq 250); do
    if pactl info >/dev/null 2>&1; then pactl set-default-sink card && exit 0; fi
    sleep 0.02
  done
  cat "$dir/pulse.log" >&2
  exit 1
}

down() {
  # At once: a server that ends in its own time would take a successor's socket with it.
  kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
  rm -f "$dir/pid" "$dir/native"
}

case $command in
up) up ;;
down) down ;;
*) echo "up or down" >&2; exit 2 ;;
esac
