// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.ConnectorException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.avro.Schema;

/**
 * Schemas by number, from a registry that speaks Confluent's protocol: {@code GET /schemas/ids/NUMBER}. A schema never
 * changes under its number, so each is asked for once. A number that the registry does not know, or whose schema cannot be
 * used, is the record's fault; a registry that does not answer is not, and fails the job so that no record is lost.
 *
 * @param address such as {@code http://localhost:8081}
 * @param timeout in which each of {@value #ATTEMPTS} attempts must succeed
 */
public record SchemaRegistry(URI address, Duration timeout) implements Schemas {

    /** Bytes of the largest schema that is read. */
    static final int MAX_SCHEMA_BYTES = 1 << 20;

    static final int ATTEMPTS = 3;
    private static final int MAX_CACHED = 1000;
    private static final int NOT_FOUND = 404;
    private static final int OK = 200;

    public SchemaRegistry {
        if (address.getUserInfo() != null) {
            throw new IllegalArgumentException("The address of a schema registry must not hold a password");
        }
        if (address.getHost() == null
                || address.getScheme() == null
                || !address.getScheme().matches("https?")) {
            throw new IllegalArgumentException(
                    "The address of a schema registry must be http://HOST:PORT or https://HOST:PORT, was '" + address
                            + "'");
        }
    }

    /** A schema from its JSON; {@link IllegalArgumentException} with one sentence if it is none. */
    static Schema parse(String json) {
        try {
            return new Schema.Parser().parse(json);
        } catch (RuntimeException
                | StackOverflowError e) { // the parser has no exception of its own for all that is wrong
            String problem = e.getMessage() == null ? "it is nested too deep" : Sentences.cut(e.getMessage());
            throw new IllegalArgumentException("Not an Avro schema: " + problem);
        }
    }

    @Override
    public Lookup lookup() {
        return new Asking(this);
    }

    private static final class Asking implements Lookup {
        private static final ObjectMapper JSON = new ObjectMapper();

        private final SchemaRegistry registry;
        private final HttpClient client;

        /** What is known of a number: its schema, or the sentence that says why it cannot be used. */
        private final Map<Integer, Object> known = new LinkedHashMap<>() {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Integer, Object> eldest) {
                return size() > MAX_CACHED;
            }
        };

        Asking(SchemaRegistry registry) {
            this.registry = registry;
            this.client =
                    HttpClient.newBuilder().connectTimeout(registry.timeout).build();
        }

        /** @throws ConnectorException if the registry does not answer */
        @Override
        public Schema schema(int id) throws UndecodableException {
            Object answer = known.get(id);
            if (answer == null) {
                answer = ask(id);
                known.put(id, answer);
            }
            if (answer instanceof Schema schema) {
                return schema;
            }
            throw new UndecodableException("schema", (String) answer);
        }

        private Object ask(int id) {
            String problem = null;
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                CompletableFuture<HttpResponse<byte[]>> asked = client.sendAsync(
                        HttpRequest.newBuilder(address(id))
                                .header("Accept", "application/vnd.schemaregistry.v1+json, application/json")
                                .build(),
                        answer -> new BoundedBody(MAX_SCHEMA_BYTES + 1));
                try {
                    HttpResponse<byte[]> answer = asked.get(registry.timeout.toMillis(), TimeUnit.MILLISECONDS);
                    if (answer.statusCode() == OK) {
                        return schema(id, answer.body());
                    }
                    if (answer.statusCode() == NOT_FOUND) {
                        return "The registry has no schema " + id;
                    }
                    problem = "it answers with status " + answer.statusCode();
                } catch (ExecutionException e) {
                    Throwable cause = e.getCause();
                    problem = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
                } catch (TimeoutException e) {
                    asked.cancel(true);
                    problem = "no answer within " + registry.timeout.toMillis() + " ms";
                } catch (InterruptedException e) {
                    asked.cancel(true);
                    Thread.currentThread().interrupt();
                    throw new ConnectorException("Interrupted while asking the schema registry for schema " + id);
                }
            }
            throw new ConnectorException("The schema registry at " + registry.address.getHost() + ":"
                    + registry.address.getPort() + " does not give schema " + id + ": " + problem);
        }

        private URI address(int id) {
            String base = registry.address.toString();
            return URI.create(base + (base.endsWith("/") ? "" : "/") + "schemas/ids/" + id);
        }

        private static Object schema(int id, byte[] bytes) {
            if (bytes.length > MAX_SCHEMA_BYTES) {
                return "Schema " + id + " has more than " + MAX_SCHEMA_BYTES + " bytes";
            }
            try {
                JsonNode answer = JSON.readTree(bytes);
                if (!answer.path("schemaType").asText("AVRO").equals("AVRO")) {
                    return "Schema " + id + " is no Avro schema";
                }
                return parse(answer.path("schema").asText());
            } catch (IOException e) {
                return "The registry's answer for schema " + id + " is not JSON";
            } catch (IllegalArgumentException e) {
                return "Schema " + id + " cannot be used: " + e.getMessage();
            }
        }
    }
}
