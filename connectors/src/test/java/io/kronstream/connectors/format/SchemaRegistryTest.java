// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kronstream.connectors.ConnectorException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a small registry that listens on a port of its own. */
class SchemaRegistryTest {
    private static final List<String> COLUMNS = List.of("x", "y");
    private static final Schema OLD =
            record("{\"name\": \"x\", \"type\": \"double\"}, {\"name\": \"y\", \"type\": \"int\"}");
    private static final Schema NEW =
            record("{\"name\": \"added\", \"type\": {\"type\": \"array\", \"items\": \"string\"}},"
                    + "{\"name\": \"y\", \"type\": \"long\"}, {\"name\": \"x\", \"type\": [\"null\", \"float\"]}");

    private final Map<String, byte[]> answers = new ConcurrentHashMap<>();
    private final Queue<String> asked = new ConcurrentLinkedQueue<>();
    private final Queue<Integer> failures = new ConcurrentLinkedQueue<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
        register(1, OLD.toString());
        register(2, NEW.toString());
    }

    @AfterEach
    void stop() {
        end.countDown();
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        asked.add(path);
        Integer failure = failures.poll();
        if (path.endsWith("/silent")) {
            await();
        }
        byte[] body = failure == null ? answers.get(path) : new byte[0];
        int status = failure != null ? failure : body == null ? 404 : 200;
        exchange.sendResponseHeaders(status, body == null || body.length == 0 ? -1 : body.length);
        if (body != null) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private void await() {
        try {
            end.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void asksForEachSchemaOnce() throws Exception {
        RowFormat.Reader reader = reader("");

        for (int round = 0; round < 3; round++) {
            assertThat(Rows.read(reader, 2, value(1, old(1.5, 1)))).containsExactly(List.of("1.5", "1.0"));
            assertThat(Rows.read(reader, 2, value(2, fresh(null, 0)))).containsExactly(List.of("", "0.0"));
        }
        assertThat(asked).containsExactly("/schemas/ids/1", "/schemas/ids/2");
    }

    @Test
    void anUnknownOrUselessSchemaIsTheRecordsFault() throws Exception {
        answers.put("/schemas/ids/4", json(Map.of("schema", "message X {}", "schemaType", "PROTOBUF")));
        answers.put("/schemas/ids/5", "<html>".getBytes(StandardCharsets.UTF_8));
        register(6, "{\"type\": \"recrod\"}");
        register(7, "\"string\"");
        answers.put("/schemas/ids/8", new byte[SchemaRegistry.MAX_SCHEMA_BYTES + 1]);
        RowFormat.Reader reader = reader("");

        Rows.assertRefused(reader, 2, value(3, new byte[2]), "schema", "The registry has no schema 3");
        Rows.assertRefused(reader, 2, value(3, new byte[2]), "schema", "The registry has no schema 3");
        Rows.assertRefused(reader, 2, value(4, new byte[2]), "schema", "Schema 4 is no Avro schema");
        Rows.assertRefused(reader, 2, value(5, new byte[2]), "schema", "answer for schema 5 is not JSON");
        Rows.assertRefused(reader, 2, value(6, new byte[2]), "schema", "Schema 6 cannot be used: Not an Avro schema");
        Rows.assertRefused(reader, 2, value(7, new byte[2]), "schema", "must be a record or an array of records");
        Rows.assertRefused(reader, 2, value(8, new byte[2]), "schema", "Schema 8 has more than 1048576 bytes");
        Rows.assertRefused(reader, 2, new byte[] {1, 0, 0, 0, 1, 0}, "schema", "does not begin with a zero byte");
        Rows.assertRefused(reader, 2, new byte[] {0, 0, 0}, "schema", "does not begin with a zero byte");
        assertThat(asked).hasSize(6);
    }

    @Test
    void asksAgainWhenTheRegistryStumbles() throws Exception {
        failures.add(503);
        failures.add(500);

        assertThat(Rows.read(reader("/registry"), 2, value(1, old(2, 1)))).isNotEmpty();
    }

    @Test
    void aRegistryThatDoesNotAnswerIsNotTheRecordsFault() throws Exception {
        byte[] value = value(1, old(1, 1));
        assertThatThrownBy(() -> Rows.read(reader("/silent?"), 2, value))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("does not give schema 1: no answer within 200 ms");
        end.countDown();
        server.stop(0);
        assertThatThrownBy(() -> Rows.read(reader(""), 2, value))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("does not give schema 1: ");
    }

    @Test
    void refusesAddressesThatAreNone() {
        assertThatThrownBy(() -> new SchemaRegistry(URI.create("localhost:8081"), Duration.ofSeconds(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be http://HOST:PORT");
    }

    private RowFormat.Reader reader(String path) {
        URI address = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
        if (path.equals("/registry")) {
            answers.putAll(Map.of("/registry/schemas/ids/1", answers.get("/schemas/ids/1")));
        }
        return AvroFormat.ofSchemas(
                        new SchemaRegistry(address, Duration.ofMillis(path.startsWith("/silent") ? 200 : 20_000)))
                .reader(COLUMNS);
    }

    private void register(int id, String schema) throws IOException {
        answers.put("/schemas/ids/" + id, json(Map.of("schema", schema)));
    }

    private static byte[] json(Map<String, String> answer) throws IOException {
        return new ObjectMapper().writeValueAsBytes(answer);
    }

    private static Schema record(String fields) {
        return new Schema.Parser().parse("{\"type\": \"record\", \"name\": \"R\", \"fields\": [" + fields + "]}");
    }

    private static byte[] old(double x, int y) throws IOException {
        GenericRecord row = new GenericData.Record(OLD);
        row.put("x", x);
        row.put("y", y);
        return AvroFormatTest.bytes(OLD, row);
    }

    private static byte[] fresh(Float x, long y) throws IOException {
        GenericRecord row = new GenericData.Record(NEW);
        row.put("added", List.of("a", "b"));
        row.put("x", x);
        row.put("y", y);
        return AvroFormatTest.bytes(NEW, row);
    }

    private static byte[] value(int id, byte[] datum) {
        return ByteBuffer.allocate(5 + datum.length)
                .put((byte) 0)
                .putInt(id)
                .put(datum)
                .array();
    }
}
