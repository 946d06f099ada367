# The book's environment: docker build -t pwm . && docker run --rm -v "$PWD/out:/book/build" pwm
FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /book
COPY . .
RUN make env
CMD ["./reproduce.sh"]
