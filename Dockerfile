# pefbench on the CPU, serving by default: docker build --build-arg TORCH_INDEX=... -t pefbench .
# TORCH_INDEX is the package index with torch's CPU builds: pytorch.org/get-started has its address.
FROM python:3.12-slim AS wheel
WORKDIR /source
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE CHANGELOG.md constraints.txt ./
COPY recipes recipes
COPY pefbench pefbench
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.12-slim
ARG TORCH_INDEX
ARG EXTRAS=serve
COPY --from=wheel /source/constraints.txt /dist/ /dist/
# A build of torch for CUDA would bring gigabytes that nothing here uses: it is refused.
RUN test -n "$TORCH_INDEX" || { echo "error: give --build-arg TORCH_INDEX=..., see pytorch.org/get-started"; exit 2; } \
 && pip install --no-cache-dir --constraint /dist/constraints.txt --index-url "$TORCH_INDEX" torch \
 && python -c "import torch; assert torch.version.cuda is None, 'TORCH_INDEX has no CPU build'" \
 && pip install --no-cache-dir --use-pep517 --constraint /dist/constraints.txt "$(echo /dist/*.whl)[$EXTRAS]" \
 && rm -r /dist \
 && useradd --uid 10001 --create-home pefbench \
 && install --directory --owner pefbench /cache /models /results
ENV PEFBENCH_CACHE=/cache/pefbench HF_HOME=/cache/huggingface PYTHONUNBUFFERED=1
USER 10001
WORKDIR /results
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["pefbench"]
CMD ["serve", "--models", "/models", "--host", "0.0.0.0", "--port", "8000"]
