// The floor under every answer that reads and writes: one indexed read and one insert in one transaction, by hand, with
// nothing that a product needs. Same driver, same number of connections, same bytes written as a decision record.
import fastify from 'fastify';
import pg from 'pg';

const { url, poolMax, recordBytes } = JSON.parse(process.argv[2]);
const pool = new pg.Pool({ connectionString: url, max: poolMax });
const record = 'x1y2z3'.repeat(Math.ceil(recordBytes / 6)).slice(0, recordBytes);
const app = fastify();

app.post('/decide', async (request, reply) => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const read = { name: 'read', text: 'select id, email, attributes from users where id = $1' };
    const { rows } = await client.query({ ...read, values: [request.body.user_id] });
    const write = { name: 'write', text: 'insert into floor_records (user_id, record) values ($1, $2) returning id' };
    const written = await client.query({ ...write, values: [rows[0].id, record] });
    await client.query('commit');
    return reply.code(201).send({ id: written.rows[0].id, user_id: rows[0].id });
  } finally {
    client.release();
  }
});

await app.listen({ host: '127.0.0.1', port: 0 });
process.send({ port: app.server.address().port });
process.once('disconnect', () => process.exit());
