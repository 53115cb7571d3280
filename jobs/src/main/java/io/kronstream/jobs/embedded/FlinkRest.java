// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Asks a Flink cluster over its REST interface. Jobs are named by their id in hexadecimal ({@code JobID.toHexString()}).
 * Every method throws an {@link IOException} with one sentence if the cluster does not answer, or not with success.
 */
public final class FlinkRest {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final int MAX_RESPONSE_BYTES = 32 << 20;
    private static final String CAUSED_BY = "Caused by: ";

    /** An operator chain of a job; {@code status} is RUNNING only when all its subtasks run. */
    public record Vertex(String id, String name, int parallelism, String status) {}

    /** Counts since the job was submitted, or since a JobManager took over. */
    public record Checkpoints(long completed, long failed, long inProgress, long restored) {}

    /** When a checkpoint began and when its last subtask had acknowledged it, in milliseconds since the epoch. */
    public record CompletedCheckpoint(long triggeredMillis, long acknowledgedMillis) {}

    private final URI address;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final ObjectMapper mapper = new ObjectMapper();

    public FlinkRest(URI address) {
        this.address = address;
    }

    /**
     * Ids of the TaskManagers that are registered and have offered their slots, in no order. One that was killed stays
     * until it is missed.
     */
    public List<String> taskManagers() throws IOException {
        List<String> ids = new ArrayList<>();
        for (JsonNode node : get("/taskmanagers").path("taskmanagers")) {
            if (node.path("slotsNumber").asInt() > 0) {
                ids.add(text(node, "id"));
            }
        }
        return ids;
    }

    /** Task slots of the registered TaskManagers, free or not. */
    public int slots() throws IOException {
        return get("/overview").path("slots-total").asInt();
    }

    /** State of a job: CREATED, RUNNING, RESTARTING, FINISHED, FAILED, ... */
    public String jobState(String job) throws IOException {
        return text(get("/jobs/" + job), "state");
    }

    /** Ids of the jobs of this name that have not ended, in no order. */
    public List<String> activeJobs(String name) throws IOException {
        List<String> ids = new ArrayList<>();
        for (JsonNode node : get("/jobs/overview").path("jobs")) {
            boolean ended =
                    List.of("FINISHED", "FAILED", "CANCELED", "CANCELLING").contains(text(node, "state"));
            if (text(node, "name").equals(name) && !ended) {
                ids.add(text(node, "jid"));
            }
        }
        return ids;
    }

    public List<Vertex> vertices(String job) throws IOException {
        List<Vertex> vertices = new ArrayList<>();
        for (JsonNode node : get("/jobs/" + job).path("vertices")) {
            int parallelism = node.path("parallelism").asInt();
            boolean running = node.path("tasks").path("RUNNING").asInt() == parallelism;
            String status = text(node, "status");
            vertices.add(new Vertex(
                    text(node, "id"),
                    text(node, "name"),
                    parallelism,
                    status.equals("RUNNING") && !running ? "DEPLOYING" : status));
        }
        return vertices;
    }

    /** Whether the job and all subtasks of all its vertices are RUNNING; a job's own state says less. */
    public boolean allRunning(String job) throws IOException {
        List<Vertex> vertices = vertices(job);
        return jobState(job).equals("RUNNING")
                && !vertices.isEmpty()
                && vertices.stream().allMatch(vertex -> vertex.status().equals("RUNNING"));
    }

    public Checkpoints checkpoints(String job) throws IOException {
        JsonNode counts = get("/jobs/" + job + "/checkpoints").path("counts");
        return new Checkpoints(
                counts.path("completed").asLong(),
                counts.path("failed").asLong(),
                counts.path("in_progress").asLong(),
                counts.path("restored").asLong());
    }

    /** The newest checkpoint that completed since the job was submitted, or since a JobManager took over. */
    public Optional<CompletedCheckpoint> latestCheckpoint(String job) throws IOException {
        JsonNode latest = get("/jobs/" + job + "/checkpoints").path("latest").path("completed");
        return latest.isObject()
                ? Optional.of(new CompletedCheckpoint(
                        latest.path("trigger_timestamp").asLong(),
                        latest.path("latest_ack_timestamp").asLong()))
                : Optional.empty();
    }

    /**
     * What a completed checkpoint cost.
     *
     * @param endToEndMillis from the trigger to the last acknowledgement
     * @param syncMillis longest time for which a subtask of the named vertex stood still
     * @param bytes written for it
     */
    public record CheckpointCost(long endToEndMillis, long syncMillis, long bytes) {}

    /** The costs of the completed checkpoints that the cluster remembers, for the vertex whose name contains a text. */
    public List<CheckpointCost> checkpointCosts(String job, String vertexName) throws IOException {
        List<CheckpointCost> costs = new ArrayList<>();
        for (Vertex vertex : vertices(job)) {
            if (!vertex.name().contains(vertexName)) {
                continue;
            }
            for (JsonNode node : get("/jobs/" + job + "/checkpoints").path("history")) {
                if (text(node, "status").equals("COMPLETED")) {
                    JsonNode sync = get("/jobs/" + job + "/checkpoints/details/" + text(node, "id") + "/subtasks/"
                                    + vertex.id())
                            .path("summary")
                            .path("checkpoint_duration")
                            .path("sync");
                    costs.add(new CheckpointCost(
                            node.path("end_to_end_duration").asLong(),
                            sync.path("max").asLong(),
                            node.path("checkpointed_size").asLong()));
                }
            }
        }
        return costs;
    }

    /** Asks for a checkpoint now; does not wait for it. */
    public void triggerCheckpoint(String job) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(address.resolve("/jobs/" + job + "/checkpoints"))
                .timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build();
        try {
            int status =
                    client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status / 100 != 2) {
                throw new IOException("The Flink cluster refused a checkpoint with status %d.".formatted(status));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted while asking for a checkpoint");
        }
    }

    /** Why the job failed last, in one line; empty if it has not failed. */
    public Optional<String> lastFailure(String job) throws IOException {
        String trace = text(
                get("/jobs/" + job + "/exceptions?maxExceptions=1")
                        .path("exceptionHistory")
                        .path("entries")
                        .path(0),
                "stacktrace");
        String innermost = null;
        for (String line : trace.lines().toList()) {
            if (innermost == null || line.startsWith(CAUSED_BY)) {
                innermost = line.replace(CAUSED_BY, "");
            }
        }
        return Optional.ofNullable(innermost);
    }

    /** User accumulators of the job's current attempt, by name. */
    public Map<String, String> accumulators(String job) throws IOException {
        Map<String, String> values = new TreeMap<>();
        get("/jobs/" + job + "/accumulators")
                .path("user-task-accumulators")
                .forEach(node -> values.put(text(node, "name"), text(node, "value")));
        return values;
    }

    /** Metrics of a TaskManager itself, such as {@code Status.JVM.Threads.Count}, by name; unknown ones are missing. */
    public Map<String, Double> taskManagerMetrics(String taskManager, List<String> names) throws IOException {
        Map<String, Double> values = new TreeMap<>();
        get("/taskmanagers/" + taskManager + "/metrics?get=" + String.join(",", names))
                .forEach(node -> values.put(text(node, "id"), node.path("value").asDouble()));
        return values;
    }

    /**
     * Id of the TaskManager that a subtask runs on.
     *
     * @param vertexName part of the vertex's name; the first that contains it is taken
     * @return empty if there is no such vertex or the subtask is not placed
     */
    public Optional<String> taskManagerOf(String job, String vertexName, int subtask) throws IOException {
        for (Vertex vertex : vertices(job)) {
            if (vertex.name().contains(vertexName)) {
                for (JsonNode node :
                        get("/jobs/" + job + "/vertices/" + vertex.id()).path("subtasks")) {
                    String id = text(node, "taskmanager-id");
                    if (node.path("subtask").asInt() == subtask && !id.isEmpty() && !id.equals("(unassigned)")) {
                        return Optional.of(id);
                    }
                }
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    private JsonNode get(String path) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(address.resolve(path))
                .timeout(TIMEOUT)
                .GET()
                .build();
        HttpResponse<InputStream> response;
        try {
            response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Interrupted while asking " + request.uri());
        } catch (IOException e) {
            throw new IOException("The Flink cluster at %s does not answer: is it running?".formatted(address), e);
        }
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(MAX_RESPONSE_BYTES);
            if (response.statusCode() != 200) {
                throw new IOException("The Flink cluster answered %s with status %d."
                        .formatted(request.uri(), response.statusCode()));
            }
            return mapper.readTree(bytes);
        }
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).asText();
    }
}
