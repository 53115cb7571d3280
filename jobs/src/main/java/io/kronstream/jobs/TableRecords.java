// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.RawRecordCodec;
import io.kronstream.learner.DataSchema;
import io.kronstream.operators.OperatorUids;
import java.math.BigDecimal;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableException;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;

/**
 * The rows of a Flink SQL table as records of JSON objects. They come through one subtask and are counted: the count is a
 * record's offset and, like the table's own position, part of every checkpoint. So after a failure each row is learned from
 * exactly once, as far as the table's connector keeps its position in checkpoints.
 */
final class TableRecords {
    private static final String SOURCE_NAME = "sql";

    private TableRecords() {}

    /** @throws InvalidSettingsException if the statement does not create one table that has the schema's columns */
    static DataStream<RawRecord> of(StreamExecutionEnvironment env, String createTable, DataSchema schema) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(env, EnvironmentSettings.inStreamingMode());
        tables.getConfig().set("table.exec.resource.default-parallelism", "1");
        tables.getConfig().set("table.exec.uid.generation", "ALWAYS");
        // by default they count what this process has planned before, and a job would not find its own state
        tables.getConfig().set("table.exec.uid.format", "<type>_<transformation>");
        try {
            tables.executeSql(createTable);
            String[] names = tables.listTables();
            if (names.length != 1) {
                throw refusal("must be one CREATE TABLE statement");
            }
            Table table = tables.from("`" + names[0].replace("`", "``") + "`");
            DataStream<Row> rows = tables.toDataStream(project(tables, names[0], table, schema));
            return rows.process(new Numbering(schema.time() != null))
                    .returns(RawRecordCodec.RAW_RECORD)
                    .name("Number rows")
                    .uid(OperatorUids.TABLE_ROWS)
                    .setParallelism(1);
        } catch (ValidationException | TableException e) {
            throw refusal(RunningJob.reason(e));
        }
    }

    /** The table with the schema's columns alone; of a name with dots the column that it leads into. */
    private static Table project(StreamTableEnvironment tables, String name, Table table, DataSchema schema) {
        List<String> present = table.getResolvedSchema().getColumnNames();
        Set<String> wanted = new LinkedHashSet<>();
        for (String column : schema.columns()) {
            String outer = present.contains(column) ? column : column.split("\\.")[0];
            if (!present.contains(outer)) {
                throw refusal("has no column '" + column + "'; it has " + String.join(", ", present));
            }
            wanted.add("`" + outer.replace("`", "``") + "`");
        }
        return tables.sqlQuery("SELECT " + String.join(", ", wanted) + " FROM `" + name.replace("`", "``") + "`");
    }

    private static InvalidSettingsException refusal(String problem) {
        return new InvalidSettingsException("'" + JobOptions.SOURCE_SQL.key() + "'", List.of(problem));
    }

    /** Numbers rows and turns them into JSON. */
    private static final class Numbering extends ProcessFunction<Row, RawRecord> implements CheckpointedFunction {
        private static final long serialVersionUID = 1;
        private static final ListStateDescriptor<Long> ROWS =
                new ListStateDescriptor<>("rows", LongSerializer.INSTANCE);
        private static final ObjectMapper JSON = new ObjectMapper();

        private final boolean timed;
        private transient ListState<Long> state;
        private transient long rows;

        Numbering(boolean timed) {
            this.timed = timed;
        }

        @Override
        public void initializeState(FunctionInitializationContext context) throws Exception {
            state = context.getOperatorStateStore().getListState(ROWS);
            for (long before : state.get()) {
                rows += before;
            }
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) throws Exception {
            state.update(List.of(rows));
        }

        @Override
        public void processElement(Row row, Context context, Collector<RawRecord> out) throws JsonProcessingException {
            long timestamp = timed ? 0 : rows * 1000;
            out.collect(new RawRecord(SOURCE_NAME, 0, rows, timestamp, null, JSON.writeValueAsBytes(object(row))));
            rows++;
        }

        private static ObjectNode object(Row row) {
            ObjectNode object = JsonNodeFactory.instance.objectNode();
            for (String field : row.getFieldNames(true)) {
                object.set(field, value(row.getField(field)));
            }
            return object;
        }

        private static JsonNode value(Object value) {
            JsonNodeFactory nodes = JsonNodeFactory.instance;
            if (value == null) {
                return nodes.nullNode();
            }
            if (value instanceof Boolean truth) {
                return nodes.booleanNode(truth);
            }
            if (value instanceof Double number) {
                return nodes.numberNode(number);
            }
            if (value instanceof Float number) {
                return nodes.numberNode(number);
            }
            if (value instanceof Number number) {
                return nodes.numberNode(new BigDecimal(number.toString()));
            }
            if (value instanceof Row row) {
                return object(row);
            }
            if (value instanceof Object[] elements) {
                ArrayNode list = nodes.arrayNode();
                for (Object element : elements) {
                    list.add(value(element));
                }
                return list;
            }
            return nodes.textNode(value.toString());
        }
    }
}
