#!/usr/bin/env bash
# The GPU's figures, on a machine that may have neither .NET nor a network. Here, in the repository's root:
#
#   benchmarks/gpu.sh pack           build, and lay out .gpu/1, .gpu/2, ...: parts of at most 60 MB, to be copied one after the other
#
# There, with a part in .gpu:
#
#   benchmarks/gpu.sh take           add the part that is here to /tmp/vai-gpu, and forge the models meanwhile
#   benchmarks/gpu.sh measure BACKEND OUT.json     with cuda or vulkan, once its parts are there: some five minutes
set -euo pipefail
cd "$(dirname "$0")/.."
there=/tmp/vai-gpu

pack() {
  local work=artifacts/gpu backend
  rm -rf .gpu "$work/stage"
  mkdir -p .gpu "$work/stage/tool"
  dotnet publish src/VAI.Cli -c Release -r linux-x64 -p:PublishAot=true -p:CppCompilerAndLinker=gcc -p:RunAnalyzers=false -o "$work/publish"
  cp "$work/publish/vai" "$work/stage/tool/"
  for backend in vulkan cuda; do
    mkdir -p "$work/$backend" "$work/stage/$backend"
    cp "native/$backend/"package*.json "$work/$backend/"
    (cd "$work/$backend" && npm ci --os=linux --cpu=x64 --libc=glibc --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$work/$backend/node_modules/@node-llama-cpp/linux-x64-$backend/bins/linux-x64-$backend/"*.so "$work/stage/$backend/"
    rm "$work/stage/$backend/libllama-common.so"
  done
  # CUDA's own library is the one that is large: whatever else is needed goes with the first part, and Vulkan can be measured when it is there.
  mv "$work/stage/cuda/libggml-cuda.so" "$work/"
  tar -C "$work/stage" -cf - . | xz -T0 -9 > "$work/base.tar.xz"
  [ "$work/cuda.xz" -nt "$work/libggml-cuda.so" ] || xz -T0 -9 -c "$work/libggml-cuda.so" > "$work/cuda.xz"
  local first=$((58000000 - $(stat -c %s "$work/base.tar.xz"))) n=1
  mkdir -p .gpu/1
  cp "$work/base.tar.xz" .gpu/1/
  head -c "$first" "$work/cuda.xz" > .gpu/1/cuda.1
  tail -c "+$((first + 1))" "$work/cuda.xz" | split -b 58000000 -d -a 1 - "$work/cuda.rest."
  for part in "$work"/cuda.rest.*; do
    n=$((n + 1))
    mkdir -p ".gpu/$n"
    mv "$part" ".gpu/$n/cuda.$n"
  done
  # Vulkan's loader and what a driver's own library asks for, where a machine has the driver alone.
  (cd .gpu/1 && apt-get download -qq libvulkan1 libglvnd0 libgl1 libglx0 libegl1 libx11-6 libxext6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0 libexpat1 2> /dev/null) \
    || echo "no Vulkan loader to be had: the machine needs its own" >&2
  sha256sum "$work/cuda.xz" | cut -d' ' -f1 > .gpu/1/cuda.sha256
  ls -l .gpu/*
}

take() {
  mkdir -p "$there"
  local part
  for part in .gpu/*/; do
    cp "$part"cuda.[0-9] "$there/"
    [ -e "$part/base.tar.xz" ] && [ ! -e "$there/tool/vai" ] || continue
    tar -C "$there" -xf "$part/base.tar.xz"
    cp "$part/cuda.sha256" "$there/"
    for deb in "$part"*.deb; do [ ! -e "$deb" ] || dpkg -x "$deb" "$there/loader"; done
    forge
  done
  local all=("$there"/cuda.[0-9])
  if [ -e "$there/cuda.sha256" ] && cat "${all[@]}" | sha256sum | grep -q "$(cat "$there/cuda.sha256")"; then
    cat "${all[@]}" | xz -d > "$there/cuda/libggml-cuda.so"
    echo "cuda: whole"
  fi
}

# In a process group of its own, that it outlives this command.
forge() {
  mkdir -p "$there/models"
  setsid env VAI="$there/tool/vai" bash -c '
    cd '"$there"'/models
    for m in small qwen2-1.5b; do for s in 1 2; do "$VAI" forge $m $m-$s.part.gguf --seed $s && mv $m-$s.part.gguf $m-$s.gguf; done; done
    "$VAI" forge deepseek-6.7b deepseek-6.7b-1.part.gguf --seed 1 && mv deepseek-6.7b-1.part.gguf deepseek-6.7b-1.gguf' \
    > "$there/forge.log" 2>&1 < /dev/null &
}

measure() {
  local backend=$1 libraries
  libraries=$there/$backend:$there/loader/usr/lib/x86_64-linux-gnu:$there/loader/lib/x86_64-linux-gnu:/usr/local/nvidia/lib64:/usr/local/nvidia/lib
  if [ "$backend" = vulkan ] && [ -z "${VK_DRIVER_FILES-}" ] && [ -e /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json ]; then
    export VK_DRIVER_FILES=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
  fi
  if [ "$backend" = cuda ]; then
    # CUDA's runtime often lives inside a Python environment.
    for name in libcudart.so.13 libcublas.so.13 libcublasLt.so.13; do
      libraries+=:$(dirname "$(find / -name "$name" -not -path '/proc/*' 2> /dev/null | head -1)")
    done
  fi
  LD_LIBRARY_PATH=$libraries VAI_LLAMA_DIR=$there/$backend python3 benchmarks/gpu/measure.py "$there/tool/vai" "$there/models" "$backend" "$2"
}

case ${1-} in
  pack | take) "$1" ;;
  measure) measure "$2" "$3" ;;
  *) sed -n '2,10p' "$0"; exit 2 ;;
esac
