# A broker of Kafka's protocol without Java: prints its address, and ends when its input does.
import sys

sys.path.insert(0, sys.argv[1])
from confluent_kafka import Producer

cluster = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
for broker in cluster.list_topics(timeout=10).brokers.values():
    print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
